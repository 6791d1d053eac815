package lake.delta;

import io.delta.storage.CloseableIterator;
import io.delta.storage.S3SingleDriverLogStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/**
 * A Delta log store for S3 that lets exactly one of several writers, on any machine, make a commit.
 *
 * <p>Delta's own store checks that the commit file is absent and then puts it: two drivers may both
 * see it absent, and the later one silently replaces the earlier commit. Here the put itself carries
 * {@code If-None-Match: *}, so that S3 refuses the second one. Everything else is the parent's.
 */
public final class ConditionalS3LogStore extends S3SingleDriverLogStore {
    private static final int CONFLICT = 409;
    private static final int PRECONDITION_FAILED = 412;

    /** Delta makes log stores by name, with this signature. */
    public ConditionalS3LogStore(Configuration hadoopConf) {
        super(hadoopConf);
    }

    @Override
    public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration hadoopConf)
            throws IOException {
        if (overwrite) {
            super.write(path, actions, true, hadoopConf);
            return;
        }
        // Whole before the put begins: closing a stream that failed half-way would commit the half.
        byte[] content = bytesOf(actions);
        try {
            putIfAbsent(path.getFileSystem(hadoopConf), path, content);
        } catch (org.apache.hadoop.fs.FileAlreadyExistsException found) {
            throw alreadyExists(path, found);
        } catch (IOException failure) {
            if (!lostTheRace(failure)) {
                throw failure;
            }
            // A put whose answer got lost is sent again by the client, and meets itself.
            if (!isOurOwn(path, content, hadoopConf)) {
                throw alreadyExists(path, failure);
            }
        }
    }

    @SuppressWarnings("unchecked") // Hadoop declares the result of createFile as a raw type
    private static void putIfAbsent(FileSystem fs, Path path, byte[] content) throws IOException {
        FSDataOutputStreamBuilder<FSDataOutputStream, ?> builder = fs.createFile(path);
        builder.overwrite(false);
        builder.recursive();
        builder.must(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE, true);
        try (FSDataOutputStream out = builder.build()) {
            out.write(content);
        }
    }

    private static byte[] bytesOf(Iterator<String> actions) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        while (actions.hasNext()) {
            bytes.writeBytes((actions.next() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private static boolean lostTheRace(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof AwsServiceException) {
                int status = ((AwsServiceException) cause).statusCode();
                return status == PRECONDITION_FAILED || status == CONFLICT;
            }
        }
        return false;
    }

    /** Only a commit with a transaction id is unique to its writer; without one, equal bytes prove nothing. */
    private boolean isOurOwn(Path path, byte[] content, Configuration hadoopConf) {
        String ours = new String(content, StandardCharsets.UTF_8);
        if (!ours.contains("\"txnId\":")) {
            return false;
        }
        try (CloseableIterator<String> found = read(path, hadoopConf)) {
            return ours.equals(new String(bytesOf(found), StandardCharsets.UTF_8));
        } catch (IOException unreadable) {
            return false;
        }
    }

    private static FileAlreadyExistsException alreadyExists(Path path, IOException cause) {
        FileAlreadyExistsException exists = new FileAlreadyExistsException(path.toString());
        exists.initCause(cause);
        return exists;
    }
}
